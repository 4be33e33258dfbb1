#!/usr/bin/env bash
# A real archive pushes 500 slices.
. "${top_srcdir:?}/tests/e2e/dicom_lib.sh"
need Orthanc curl
intake_ini '[peer ORTHANC]' 'site = STANNE'
intake_start
dicom=$(free_port) http=$(free_port)
cat >"$E2E_DIR/orthanc.json" <<J
{ "Name": "test", "StorageDirectory": "$E2E_DIR/orthanc", "IndexDirectory": "$E2E_DIR/orthanc", "DicomAet": "ORTHANC",
  "DicomPort": $dicom, "HttpPort": $http, "RemoteAccessAllowed": false, "AuthenticationEnabled": false, "Plugins": [],
  "DicomModalities": { "wetread": ["WETREAD", "127.0.0.1", $PORT] }, "DicomAlwaysAllowStore": true, "StorageCompression": false }
J
start orthanc Orthanc "$E2E_DIR/orthanc.json"
wait_for 30 "Orthanc answers" curl -fs "http://127.0.0.1:$http/system" || finish
generate "$E2E_DIR/ct" --accession O500 --slices 500 --columns 128
holds "Orthanc has 500 slices" storescu -aec ORTHANC 127.0.0.1 "$dicom" +sd "$E2E_DIR/ct"
study=$(curl -fs "http://127.0.0.1:$http/studies" | jq -r '.[0]')
holds "it verifies us" curl -fs -X POST "http://127.0.0.1:$http/modalities/wetread/echo" -d '{}'
holds "it pushes them" curl -fs -X POST "http://127.0.0.1:$http/modalities/wetread/store" -d "$study"
wait_for 30 "all 500 are indexed" has_stored 500 && ok "all 500 are indexed"
is "$(damaged)" "" "every file is whole"
wait_for 10 "the study is told as complete" has_told complete '.[0].set.images' 500 && ok "the study is told as complete"
finish
