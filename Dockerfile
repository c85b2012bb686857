# Two stages: the first compiles (hatch_build.py asks PyPI for a C compiler, so apt is not needed), the second runs.
# Both have the same base, so that the virtual environment can be carried over.

FROM python:3.13-slim AS build
WORKDIR /source
COPY . .
RUN python -m venv /opt/hallwatch \
    && /opt/hallwatch/bin/pip install --no-cache-dir --disable-pip-version-check .

FROM python:3.13-slim
COPY --from=build /opt/hallwatch /opt/hallwatch
RUN useradd --system --no-create-home --shell /usr/sbin/nologin hallwatch
ENV PATH=/opt/hallwatch/bin:$PATH PYTHONUNBUFFERED=1
USER hallwatch
EXPOSE 10484
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:10484/-/healthy', timeout=2)"]
ENTRYPOINT ["hallwatch"]
CMD ["run", "--demo", "--web.listen-address=0.0.0.0:10484"]
