#!/bin/sh
# Programs that only tests need. As root on Debian they are installed; elsewhere the tests that
# need them are skipped and name the package.
set -eu
wanted=""
command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || wanted="$wanted chromium fonts-wqy-microhei"
command -v ffprobe >/dev/null 2>&1 || wanted="$wanted ffmpeg"
command -v exiftool >/dev/null 2>&1 || wanted="$wanted libimage-exiftool-perl"
[ -n "$wanted" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends $wanted; } >/dev/null 2>&1 ||
    echo "could not install:$wanted (the tests that need them will be skipped)" >&2
else
  echo "not installed:$wanted (the tests that need them will be skipped; install them to run all)" >&2
fi
