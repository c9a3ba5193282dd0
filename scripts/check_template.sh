#!/usr/bin/env bash
# The template as SAM and CloudFormation see it.
set -euo pipefail
cd "$(dirname "$0")/.."
source localstack/tools.sh
install_sam
export SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-us-east-1}"
"$sam" validate --lint --template-file sam-template.yaml
"$cfn_lint" sam-template.yaml
echo "template: 0 problems"
