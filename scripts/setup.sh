#!/bin/bash
# Installs what building, running and testing vedette needs and this machine lacks.
# Uses sudo only for Debian packages, and only when one is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

# package            what it is for
packages="
g++                              cgo
pkg-config                       cgo
libopencv-dev                    motion detection
libavcodec-dev                   decoding
libavformat-dev                  reading video files
libavutil-dev                    decoding
libswscale-dev                   decoding
ffmpeg                           demo footage; tests decode every frame of a clip with it
gir1.2-gst-rtsp-server-1.0       tests: a camera that is not ours
gir1.2-gst-plugins-base-1.0      tests: the same
python3-gi                       tests: the same
gstreamer1.0-plugins-base        tests: the same
gstreamer1.0-plugins-good        tests: the same
gstreamer1.0-plugins-bad         tests: the same
chromium                         tests: the console in a real browser
postgresql                       tests: the index on PostgreSQL
"
missing=()
while read -r name why; do
	[ -n "$name" ] || continue
	# The server may come from elsewhere than a Debian package.
	[ "$name" = postgresql ] && command -v postgres initdb >/dev/null && continue
	if [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" != installed ]; then
		echo "setup: missing $name ($why)" >&2
		missing+=("$name")
	fi
done <<<"$packages"
if [ ${#missing[@]} -gt 0 ]; then
	sudo=()
	if [ "$(id -u)" != 0 ]; then
		sudo=(sudo)
		echo "setup: sudo installs: ${missing[*]}" >&2
	fi
	"${sudo[@]}" apt-get update -qq
	"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

for tool in go node npm; do
	command -v "$tool" >/dev/null || { echo "setup: $tool is not installed; see README.md, Requirements" >&2; exit 1; }
done

scripts/onnxruntime.sh
