#!/bin/sh
# SPDX-License-Identifier: MIT
# The golden files of the ROM modules, which test_genode_rom and test_ctl compare with
# what is written, against the schema. test_genode_schema.sh SOURCE_DIR
set -eu
source=$1
schema=$source/genode-client/genode-rom/devices.xsd
status=0

for file in "$source"/tests/golden/genode/*.xml "$source"/tests/golden/ctl/*.xml
do
	xmllint --noout --schema "$schema" "$file" 2> /dev/null && continue
	xmllint --noout --schema "$schema" "$file" || status=1
done

# It can say no.
work=$(mktemp)
trap 'rm -f "$work"' EXIT
sed 's/ bridge="no"//' "$source/tests/golden/genode/io-bar.xml" > "$work"
! xmllint --noout --schema "$schema" "$work" 2> /dev/null || status=1
sed 's/number="249"/number="248"/' "$source/tests/golden/genode/multi-function.xml" > "$work"
! xmllint --noout --schema "$schema" "$work" 2> /dev/null || status=1
exit $status
