"""200,000 rows of ten columns by Mimesis, as dicts; prints rows and cells."""

from mimesis import Datetime, Finance, Internet, Numeric, Person
from mimesis.locales import Locale

person, finance, when = Person(Locale.EN), Finance(Locale.EN), Datetime(Locale.EN)
internet, number = Internet(), Numeric()
rows = [
    {
        "id": position,
        "name": person.full_name(),
        "email": person.email(),
        "company": finance.company(),
        "day": when.date(),
        "at": when.timestamp(),
        "host": internet.hostname(),
        "impressions": number.integer_number(0, 100_000),
        "clicks": number.integer_number(0, 1_000),
        "spend": number.float_number(0, 1_000, precision=2),
    }
    for position in range(200_000)
]
print(len(rows), sum(map(len, rows)))
