package server_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/asidecache/aside/bench/server"
)

// program writes a script that says of itself what it is told.
func program(t *testing.T, says string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "server")
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho '"+says+"'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFind(t *testing.T) {
	redis8, redis7 := program(t, "Redis server v=8.0.2 sha=0"), program(t, "Redis server v=7.0.15 sha=0")
	t.Setenv("ASIDE_SERVERS", redis8+", "+redis7)
	p, others, err := server.Find()
	if err != nil || p.Path != redis7 || p.Version != "Redis server v=7.0.15" {
		t.Errorf("of Redis 8 and 7 was found %+v, %v; want 7", p, err)
	}
	if len(others) != 1 || others[0].Path != redis8 {
		t.Errorf("beside Redis 7 were found %+v, want Redis 8", others)
	}
	t.Setenv("ASIDE_SERVERS", redis8)
	if p, others, err := server.Find(); err != nil || p.Path != redis8 || len(others) != 0 {
		t.Errorf("of Redis 8 alone were found %+v and %+v, %v", p, others, err)
	}
	t.Setenv("ASIDE_SERVERS", program(t, "hello"))
	if p, _, err := server.Find(); err == nil {
		t.Errorf("a program that is no server was found: %+v", p)
	}
}

func TestFindNothing(t *testing.T) {
	t.Setenv("ASIDE_SERVERS", "")
	t.Setenv("PATH", t.TempDir())
	if p, _, err := server.Find(); err == nil || !strings.Contains(err.Error(), "install") {
		t.Errorf("without a server was found %+v, error %v; want one that says what to install", p, err)
	}
}

func TestCounts(t *testing.T) {
	before := server.Counts{Calls: map[string]int64{"get": 10, "set": 5}, Reads: 100}
	after := server.Counts{Calls: map[string]int64{"get": 110, "set": 5, "client|list": 1, "del": 50}, Reads: 251}
	done := after.Since(before)
	if done.Total() != 151 || done.Reads != 150 {
		t.Errorf("%d commands and %d reads were done, want 151 and 150", done.Total(), done.Reads)
	}
	if got, want := done.PerOp(100), "client|list 0.01, del 0.50, get 1.00"; got != want {
		t.Errorf("an operation is %q, want %q", got, want)
	}
	if got := before.Since(before).PerOp(100); got != "none" {
		t.Errorf("an operation without commands is %q, want none", got)
	}
}
