// The real Kubernetes provider. Its own main cannot be built from its Go module, which lacks two generated files: the
// schema, which nobody asks a running provider for (a program has its SDK), and a mapping for converters.
package main

import "github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"

// version is that of the SDK in requirements/lock.txt, which a test compares: the engine warns of a provider that is
// older than the SDK. The code is that of go.mod, some versions older, and the build metadata says which.
// docs/sandbox.md lists what 4.34 does otherwise.
const version = "4.34.2+code.4.25.0"

func main() {
	provider.Serve("kubernetes", version, []byte(`{"name":"kubernetes"}`), []byte("{}"))
}
