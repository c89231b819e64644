#!/bin/bash -e
# What 50-reduced-footprint leaves out, taken out of the layers below.
cd /usr/share
[ ! -d doc ] || find doc ! -type d ! -name copyright -delete
[ ! -d doc ] || find doc -mindepth 1 -type d -empty -delete
[ ! -d man ] || find man -mindepth 2 ! -type d -delete
rm -rf groff info lintian linda /var/cache/man
[ ! -d locale ] || find locale -mindepth 1 -maxdepth 1 -type d \
    ! -name 'da*' ! -name 'de*' ! -name 'en*' ! -name 'es*' ! -name 'fi*' ! -name 'fr*' \
    ! -name 'is*' ! -name 'nb*' ! -name 'ru*' ! -name 'sv*' ! -name 'zh*' -exec rm -rf {} +
