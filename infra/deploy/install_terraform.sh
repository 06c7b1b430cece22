#!/bin/sh
# Puts a Terraform, checked, into .build/bin, where the make targets find it first.
set -eu
cd "$(dirname "$0")/../.."
version=1.11.4
sha256=1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc
command -v terraform >/dev/null || [ -x .build/bin/terraform ] && exit 0
[ "$(uname -sm)" = "Linux x86_64" ] || {
  echo "Install Terraform $version: https://developer.hashicorp.com/terraform/install" >&2
  exit 1
}
mkdir -p .build/bin
url=https://releases.hashicorp.com/terraform/$version/terraform_${version}_linux_amd64.zip
curl --fail --silent --show-error --location --output .build/terraform.zip "$url"
echo "$sha256  .build/terraform.zip" | sha256sum --check --quiet
python3 -m zipfile --extract .build/terraform.zip .build/bin
chmod +x .build/bin/terraform
rm .build/terraform.zip .build/bin/LICENSE.txt
