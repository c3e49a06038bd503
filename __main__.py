"""The program that Pulumi starts. It stands at the root because `main: infra` in Pulumi.yaml would put infra/ first on
sys.path, where infra/platform.py hides the standard library's platform."""

from infra.program import run

run()
