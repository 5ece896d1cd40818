"""Dockerfile and compose.yaml agree with the project; scripts/container.py does their steps."""

import re

import yaml

from g2is.app.permits import variable
from g2is.cli import make_parser
from g2is.config.serving import ServingConfig
from scripts.container import ROOT, command_of, copied, steps

DOCKERFILE = list(steps((ROOT / "Dockerfile").read_text()))
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
VARIABLES = {"G2IS_CACHE", *(variable(name) for name in ServingConfig.model_fields)}


def test_what_is_copied_exists_and_is_not_ignored():
    kept = (ROOT / ".dockerignore").read_text().splitlines()
    for instruction, rest in DOCKERFILE:
        for source, _ in copied(rest) if instruction == "COPY" else []:
            assert source.exists() and f"!{source.name}" in kept, source.name


def test_all_that_the_wheel_is_made_of_is_copied():
    names = {
        source.name for instruction, rest in DOCKERFILE if instruction == "COPY" for source, _ in copied(rest)
    }
    wheel = (ROOT / "pyproject.toml").read_text().partition("wheel.force-include]")[2].partition("[")[0]
    assert names >= {path.split("/")[0] for path in re.findall(r'^"([^"]+)" =', wheel, re.MULTILINE)} | {
        "g2is"
    }


def test_its_commands_are_commands_and_its_variables_are_read():
    for instruction, rest in DOCKERFILE:
        if instruction in ("CMD", "HEALTHCHECK"):
            make_parser().parse_args(command_of(rest)[1:])
        if instruction == "ENV":
            assert set(re.findall(r"G2IS_\w+", rest)) <= VARIABLES
    assert set(COMPOSE["services"]["app"]["environment"]) <= VARIABLES


def test_the_image_has_the_version_of_python_that_tests_run_on():
    (image,) = [rest for instruction, rest in DOCKERFILE if instruction == "FROM"]
    oldest = re.search(r'requires-python = ">=([\d.]+)', (ROOT / "pyproject.toml").read_text())
    assert oldest and image.startswith(f"python:{oldest[1]}")


def test_nginx_gets_all_that_its_template_asks_for():
    template = (ROOT / "deploy" / "nginx.conf.template").read_text()
    nginx = COMPOSE["services"]["nginx"]
    assert set(re.findall(r"\$\{(\w+)\}", template)) == set(nginx["environment"])
    assert nginx["environment"]["G2IS_UPSTREAM"] == "app:8501"
    assert f"{nginx['environment']['G2IS_TLS_PORT']}:8443" in nginx["ports"]
    assert COMPOSE["services"]["app"]["environment"]["G2IS_URL"].endswith(nginx["environment"]["G2IS_PATH"])
