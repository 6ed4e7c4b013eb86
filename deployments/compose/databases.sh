#!/bin/sh
# PostgreSQL's image runs this once, if its volume is empty: a role and a database per service, closed to the others.
set -eu
for name in tiltyard prefect mlflow; do
  password=$(printenv "$(echo "$name" | tr '[:lower:]' '[:upper:]')_DB_PASSWORD")
  psql --set ON_ERROR_STOP=1 --set name="$name" --set password="$password" --username "${POSTGRES_USER:-postgres}" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
# The role of the labeling server and of watch owns nothing: 'tiltyard grant' grants its rights.
psql --set ON_ERROR_STOP=1 --set password="$TILTYARD_WRITER_DB_PASSWORD" --username "${POSTGRES_USER:-postgres}" <<'SQL'
CREATE ROLE tiltyard_writer LOGIN PASSWORD :'password';
GRANT CONNECT ON DATABASE tiltyard TO tiltyard_writer;
SQL
