#!/bin/sh
# Content with every version but the bad one.
! grep -qx bad /etc/scanner/version
