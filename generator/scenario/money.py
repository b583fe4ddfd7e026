"""Money in the units of its currency."""

from decimal import Decimal

from generator.enums import Currency


def in_whole_units(amount: float, currency: Currency) -> float:
    """Return an amount rounded to the smallest unit of its currency.

    >>> in_whole_units(1234.567, Currency.USD), in_whole_units(1234.567, Currency.JPY)
    (1234.57, 1235.0)
    """
    unit = Decimal(str(currency.smallest_unit))
    return float(round(Decimal(repr(amount)) / unit) * unit)


def micros(amount: float) -> int:
    """Return an amount in units of a currency as whole micros.

    >>> micros(29.99)
    29990000
    """
    return int((Decimal(repr(amount)) * 1_000_000).to_integral_value())
