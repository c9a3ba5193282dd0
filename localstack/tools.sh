# Installs the emulator, SAM and what links for AWS into the home cache folder, each into an environment of its own, where they are missing.
# Sourced: sets `ministack`, `sam` and `cfn_lint`.
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
tools="${CAUCE_TOOLS:-$HOME/.cache/cauce}"
ministack="${CAUCE_EMULATOR:-$tools/emulator/bin/ministack}"
sam="$tools/sam/bin/sam"
cfn_lint="$tools/sam/bin/cfn-lint"

install() { # environment, requirements, python
  "${3:-python3}" -m venv "$tools/$1"
  "$tools/$1/bin/pip" install --quiet --disable-pip-version-check -r "$here/$2"
}

install_emulator() { [ -x "$ministack" ] || install emulator requirements.txt; }
install_zig() { [ -x "$tools/zig/bin/cargo-zigbuild" ] || install zig ../scripts/zig-requirements.txt; }
install_sam() { { [ -x "$sam" ] && [ -x "$cfn_lint" ]; } || install sam sam-requirements.txt; }

# Only where there is the Python that it needs; elsewhere its tests say that they are skipped.
install_localstack() {
  [ -x "$tools/localstack/bin/python" ] && return
  local python
  for python in python3.13 /usr/bin/python3.13 /usr/local/bin/python3.13 "$HOME"/.pyenv/versions/3.13*/bin/python3.13; do
    if "$python" -c '' 2>/dev/null; then
      install localstack localstack-requirements.txt "$python" || rm -rf "$tools/localstack"
      return
    fi
  done
}
