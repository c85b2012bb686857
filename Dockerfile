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
# Whatever is answered, there is one who answers: with a web configuration it is 401, or 400 from a port that speaks TLS.
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "from http.client import HTTPConnection; c = HTTPConnection('127.0.0.1', 10484, timeout=2); c.request('GET', '/-/healthy'); c.getresponse()"]
ENTRYPOINT ["hallwatch"]
CMD ["run", "--demo", "--web.listen-address=0.0.0.0:10484"]
