{{- define "poolplan.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "poolplan.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains (include "poolplan.name" .) .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "poolplan.name" .) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Roles of the whole cluster have no namespace: two releases must not share one. */}}
{{- define "poolplan.wideName" -}}
{{- printf "%s-%s" .Release.Namespace (include "poolplan.fullname" .) | trunc 100 | trimSuffix "-" }}
{{- end }}

{{- define "poolplan.ownLabels" -}}
app.kubernetes.io/name: {{ include "poolplan.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Of the controller's pods, and not of the test's. */}}
{{- define "poolplan.selectorLabels" -}}
{{ include "poolplan.ownLabels" . }}
app.kubernetes.io/component: controller
{{- end }}

{{- define "poolplan.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "poolplan.ownLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "poolplan.serviceAccount" -}}
{{- default (ternary (include "poolplan.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name }}
{{- end }}

{{- define "poolplan.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}
{{- end }}

{{/* A volume that one node mounts has room for one pod. */}}
{{- define "poolplan.replicas" -}}
{{- ternary 1 (int .Values.replicas) .Values.persistence.enabled }}
{{- end }}

{{/* Whether it may act at all: with a repository, and not told to leave it. */}}
{{- define "poolplan.applies" -}}
{{- if and .Values.git.repo .Values.apply }}true{{ end }}
{{- end }}

{{- define "poolplan.drains" -}}
{{- if and (include "poolplan.applies" .) .Values.draining.enabled }}true{{ end }}
{{- end }}

{{- define "poolplan.subject" -}}
- kind: ServiceAccount
  name: {{ include "poolplan.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{- define "poolplan.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "poolplan.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}
