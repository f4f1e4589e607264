// Package bgtaskv1 is the generated code of bgtask's public protocol: gRPC over
// the broker's Unix socket. The .proto files beside it are its description.
//
// Generated code is committed. After a change of a .proto file run "go generate"
// here; CI runs it too and refuses a difference:
//
//	go generate ./proto/... && git diff --exit-code -- proto
package bgtaskv1

//go:generate go run github.com/bufbuild/buf/cmd/buf@v1.75.0 lint ../..
//go:generate go run github.com/bufbuild/buf/cmd/buf@v1.75.0 generate --template ../../buf.gen.yaml --output ../.. ../..
