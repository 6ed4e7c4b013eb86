#!/bin/sh
# Write .env for compose.yaml, once: passwords drawn by chance, readable by you alone.
#   sh make_env.sh [PROJECT] [FILE THAT SAYS HOW S3 AND SQS ARE REACHED]
set -eu
project=${1:-digits}
store=${2:-try.env}
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
END
echo "Wrote .env for the project '$project'; S3 and SQS as $store says."
