// Operators of which the sandbox needs files today. One that is to run itself gets a module of its own beside this one,
// and a row in programs.py: prometheus-operator and KEDA both build from their Go modules.
module slipway/toolchain/crds

go 1.26.0

require github.com/prometheus-operator/prometheus-operator v0.93.1
