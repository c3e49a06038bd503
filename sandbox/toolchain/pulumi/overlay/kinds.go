// Package v2 stands in, at build time, for one file of the provider's Go SDK, which registers the objects of YAML
// components. The original names every kind of Kubernetes and so has 62 packages compiled, a third of the provider's
// build, for static types that nobody reads there. Registered without them, an object is the same on the wire.
package v2

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// RegisterResource registers one object of a YAML document.
func RegisterResource(ctx *pulumi.Context, apiVersion, kind, name string, props pulumi.Input,
	opts ...pulumi.ResourceOption,
) (pulumi.CustomResource, error) {
	var resource pulumi.CustomResourceState
	token := fmt.Sprintf("kubernetes:%s:%s", apiVersion, kind)
	if err := ctx.RegisterResource(token, name, props, &resource, opts...); err != nil {
		return nil, err
	}
	return &resource, nil
}

// IsListKind reports whether a document is a list of objects.
func IsListKind(_, kind string) bool {
	return strings.HasSuffix(kind, "List")
}
