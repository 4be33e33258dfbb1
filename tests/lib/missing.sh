#!/bin/sh
# Run in place of the tests when configure did not find what they need.
echo "make check needs cmocka and libvterm: install libcmocka-dev and libvterm-dev, then run configure again" >&2
exit 1
