# Read by a shell in the folder of Gatehouse: set -a; . examples/crm/environment.sh; set +a
TOOLS_DIR="$PWD/examples/crm/tools"
UPSTREAM_CRM_URL=http://127.0.0.1:4010/v1
UPSTREAM_CRM_AUTH=login
UPSTREAM_CRM_USERNAME=gatehouse
UPSTREAM_CRM_PASSWORD=shared-password
