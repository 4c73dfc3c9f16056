"""Tests, a folder a package. Hypothesis: `ci` is the same every time, `nightly` is long."""

import os
import warnings

from hypothesis import HealthCheck, settings

_SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]

settings.register_profile("ci", deadline=None, derandomize=True, database=None, suppress_health_check=_SLOW)
settings.register_profile("dev", deadline=None, max_examples=50, suppress_health_check=_SLOW)
settings.register_profile("nightly", deadline=None, max_examples=10_000, suppress_health_check=_SLOW)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))

# Warnings about what our own modules do are errors.
warnings.filterwarnings("error", module=r"(kapokmq|serena)(\.|$)")
