"""The files of a stand-in chart, as text."""

from typing import Final

NOTES: Final = """\
This is a stand-in for {name} {version}: the chart itself cannot be fetched in the sandbox, and nothing of it runs.
{definitions}
"""
DEFINITIONS_ARE_REAL: Final = (
    "Its CustomResourceDefinitions are the operator's own, {version}, without their descriptions."
)
NO_DEFINITIONS: Final = "It makes one ConfigMap, which says the same."

NOTE: Final = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-stand-in
  labels:
    app.kubernetes.io/managed-by: {{ .Release.Service }}
    slipway.dev/stand-in: "true"
data:
  chart: {{ .Chart.Name }}-{{ .Chart.Version }}
  note: nothing of this chart runs in the sandbox
"""
DEFINITIONS: Final = """\
{{- range $path, $_ := .Files.Glob "definitions/*.json" }}
---
{{ $.Files.Get $path }}
{{- end }}
"""
