"""20,000 rows of ten columns by Faker without weights, its faster way, as dicts; prints rows and
cells."""

from faker import Faker

fake = Faker(use_weighting=False)
rows = [
    {
        "id": position,
        "name": fake.name(),
        "email": fake.email(),
        "company": fake.company(),
        "day": fake.date_this_year(),
        "at": fake.date_time_this_year(),
        "host": fake.hostname(),
        "impressions": fake.random_int(0, 100_000),
        "clicks": fake.random_int(0, 1_000),
        "spend": fake.pyfloat(min_value=0, max_value=1_000, right_digits=2),
    }
    for position in range(20_000)
]
print(len(rows), sum(map(len, rows)))
