package faultnet

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
)

// Refused is a Dialer to an address where nobody listens.
func Refused(_ context.Context, _, addr string) (net.Conn, error) { return nil, refusal(addr) }

func refusal(addr string) error {
	e := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	if strings.HasPrefix(addr, ":") { // which is this machine
		addr = "127.0.0.1" + addr
	}
	if to, err := netip.ParseAddrPort(addr); err == nil {
		e.Addr = net.TCPAddrFromAddrPort(to)
	}
	return e
}

// Hanging is a Dialer that never connects: it returns when its context ends.
func Hanging(ctx context.Context, _, _ string) (net.Conn, error) {
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

// Silent is a Dialer to a server that accepts connections, reads, and never answers.
func Silent(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, server) }()
	return client, nil
}
