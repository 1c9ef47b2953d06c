#!/bin/bash
# Prints the path of the demo's footage: vtest.avi from Debian's package opencv-doc,
# transcoded once to H.264 at its true 7 frames a second. Nothing is installed.
set -euo pipefail
dir="${XDG_CACHE_HOME:-$HOME/.cache}/vedette/demo"
out="$dir/vtest.mp4"
if [ ! -s "$out" ]; then
	mkdir -p "$dir"
	tmp="$(mktemp -d)"
	trap 'rm -rf "$tmp"' EXIT
	echo "demo: fetching Debian's opencv-doc for its vtest.avi" >&2
	# apt's sandbox user must be able to write here.
	chmod 755 "$tmp"
	if ! (cd "$tmp" && apt-get download -qq opencv-doc >&2); then
		echo "demo: the package could not be fetched; play your own footage: make run VIDEO=file.mp4" >&2
		exit 1
	fi
	member="$(dpkg-deb --fsys-tarfile "$tmp"/opencv-doc_*.deb | tar -t | grep -E '/vtest\.avi(\.gz)?$' | head -1)"
	dpkg-deb --fsys-tarfile "$tmp"/opencv-doc_*.deb | tar -x -C "$tmp" "$member"
	src="$tmp/$member"
	case "$src" in *.gz) gunzip "$src"; src="${src%.gz}" ;; esac
	echo "demo: transcoding to H.264" >&2
	ffmpeg -v error -nostdin -r 7 -i "$src" -an -c:v libx264 -preset medium -crf 20 -pix_fmt yuv420p \
		-g 14 -bf 0 -movflags +faststart -f mp4 -y "$out.part" >&2
	mv "$out.part" "$out"
fi
echo "$out"
