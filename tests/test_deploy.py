"""What is shipped to deploy: the scrape job asks the daemon where it listens, and names what the daemon must not."""

from pathlib import Path

import yaml

from agent.cli.run import DEFAULT_LISTEN

JOB = Path(__file__).parent.parent / "deploy" / "prometheus" / "prometheus.yml"


def test_scrape_job() -> None:
    """One job, at the port that `hallwatch run` takes, with the labels of the district and the site."""
    (job,) = yaml.safe_load(JOB.read_text(encoding="utf-8"))["scrape_configs"]
    (target,) = job["static_configs"]

    assert [DEFAULT_LISTEN] == target["targets"]
    assert {"district", "site"} == set(target["labels"])
