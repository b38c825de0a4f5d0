{{- define "lunkeeper.labels" -}}
app.kubernetes.io/name: lunkeeper
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "lunkeeper.plugin" -}}
{{ printf "%s/plugins/%s" .Values.kubeletDir .Values.driverName }}
{{- end }}
