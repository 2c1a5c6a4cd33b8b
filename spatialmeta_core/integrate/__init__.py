"""Vertical integration of ST and SM with a conditional variational autoencoder (eqs 8 to 22)."""

from spatialmeta_core.integrate.fit import integrate
from spatialmeta_core.integrate.forecasting import Forecast, forecast
from spatialmeta_core.integrate.result import Integration

__all__ = ["Forecast", "Integration", "forecast", "integrate"]
