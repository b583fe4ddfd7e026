# docker build --tag streaming-ads .
# docker run --rm --volume "$PWD/data:/data" streaming-ads generate smoke --to ads.duckdb
FROM python:3.11-slim AS build
# `--build-arg EXTRAS=dbt,report,postgres` adds PostgreSQL.
ARG EXTRAS=dbt,report
WORKDIR /src
COPY . .
RUN python3 -m venv /opt/streaming-ads \
    && /opt/streaming-ads/bin/pip install --no-cache-dir --disable-pip-version-check ".[$EXTRAS]"

FROM python:3.11-slim AS command
COPY --from=build /opt/streaming-ads /opt/streaming-ads
ENV PATH=/opt/streaming-ads/bin:$PATH
RUN useradd --create-home --uid 1000 ads && install --directory --owner ads /data
USER ads
WORKDIR /data
VOLUME /data
ENTRYPOINT ["streaming-ads"]
CMD ["--help"]

# What .devcontainer/devcontainer.json opens: the command, and what a checkout needs.
FROM command AS checkout
USER root
RUN apt-get update && apt-get install --yes --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/*
USER ads
ENTRYPOINT []

FROM command
