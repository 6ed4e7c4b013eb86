#!/bin/sh
# Write .env for compose.yaml, once: passwords drawn by chance, readable by you alone.
#   sh make_env.sh [PROJECT] [FILE THAT SAYS HOW S3 AND SQS ARE REACHED] [ADDRESS OF THE QUEUE, SUCH AS https://label.example.com]
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
# Containers run as another user, who must be able to look into projects/; nobody else may look into .env.
mkdir -p projects
chmod a+rx projects
umask 077
secret() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
cat > .env <<END
# Secrets: keep this file to yourself.
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
# Where browsers reach the queue, once a proxy with TLS stands before it: with https, cookies are Secure.
TILTYARD_LABEL_ORIGINS=$origin
# Whose X-Forwarded-For and X-Forwarded-Proto are believed: that proxy's address as the container sees it.
TILTYARD_LABEL_TRUSTED_PROXIES=
END
echo "Wrote .env for the project '$project'; S3 and SQS as $store says."
