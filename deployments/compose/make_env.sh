#!/bin/sh
# Write .env for compose.yaml, once: random passwords, readable only by you.
#   sh make_env.sh [PROJECT] [FILE WITH SETTINGS FOR S3 AND SQS] [ADDRESS OF THE LABELING SERVER, SUCH AS https://label.example.com]
set -eu
project=${1:-digits}
store=${2:-try.env}
origin=${3:-}
cd "$(dirname "$0")"
if [ -e .env ]; then
  echo ".env is there already; remove it for new passwords (the databases keep the old ones)." >&2
  exit 1
fi
profiles=
if [ "$store" = try.env ]; then profiles=try; fi
# Containers run as another user, who must be able to read projects/; only you may read .env.
mkdir -p projects
chmod a+rx projects
umask 077
secret() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
cat > .env <<END
# Secrets: keep this file private.
TILTYARD_PROJECT_NAME=$project
STORE_ENV=$store
COMPOSE_PROFILES=$profiles
POSTGRES_PASSWORD=$(secret)
TILTYARD_DB_PASSWORD=$(secret)
TILTYARD_WRITER_DB_PASSWORD=$(secret)
PREFECT_DB_PASSWORD=$(secret)
MLFLOW_DB_PASSWORD=$(secret)
PREFECT_PASSWORD=$(secret)
MLFLOW_PASSWORD=$(secret)
MLFLOW_SECRET=$(secret)
TILTYARD_LABEL_SECRET=$(secret)
# The address in browsers, behind a proxy with TLS: with https, cookies are Secure.
TILTYARD_LABEL_ORIGINS=$origin
# X-Forwarded-For and X-Forwarded-Proto are trusted from this proxy only: its address as the container sees it.
TILTYARD_LABEL_TRUSTED_PROXIES=
END
echo "Wrote .env for the project '$project'; S3 and SQS as $store says."
