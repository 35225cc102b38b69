package redistest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	dir := t.TempDir()
	program := func(name, prints string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+prints+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	redis := program("redis-server", "echo Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64")
	valkey := program("valkey-8-wrapper", "echo Valkey server v=8.0.1 sha=00000000:0")
	other := program("postgres", "echo postgres 17")
	broken := program("broken", "echo no such library; exit 3")
	empty := t.TempDir()

	tests := []struct {
		name, list, path string
		want             string
		wantErr          string
	}{
		{name: "named", list: redis + "," + valkey, path: empty, want: "[redis-7.0.15 valkey-8.0.1]"},
		{name: "spaces and empty names", list: " " + valkey + " ,, ", path: dir, want: "[valkey-8.0.1]"},
		{name: "on the PATH", path: dir, want: "[redis-7.0.15]"},
		{name: "none", path: empty, want: "[]"},
		{name: "another program", list: other, path: dir, wantErr: "postgres 17"},
		{name: "a server that does not run", list: redis + "," + broken, path: dir, wantErr: "no such library"},
		{name: "no such file", list: filepath.Join(dir, "nowhere"), path: dir, wantErr: "nowhere"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("PATH", tt.path)
			servers, err := find(tt.list)
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Fatalf("error %v, want one with %q", err, tt.wantErr)
				}
				return
			}
			if got := fmt.Sprint(servers); err != nil || got != tt.want {
				t.Errorf("%s, %v; want %s", got, err, tt.want)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	for _, tt := range []struct {
		servers []Server
		want    []string
	}{
		{nil, []string{"redis-7", "redis-8", "valkey-8"}},
		{[]Server{{Product: "redis", Version: "7.0.15"}, {Product: "redis", Version: "8.0.2"}, {Product: "valkey", Version: "8.1.1"}}, nil},
		{[]Server{{Product: "valkey", Version: "7.2.4"}, {Product: "redis", Version: "8.0.2"}}, []string{"redis-7", "valkey-8"}},
		{[]Server{{Product: "redis", Version: "70.0.1"}}, []string{"redis-7", "redis-8", "valkey-8"}},
	} {
		if got := missing(tt.servers); !slices.Equal(got, tt.want) {
			t.Errorf("beside %v %v are missing, want %v", tt.servers, got, tt.want)
		}
	}
}

// A recorder stands in for the test that asks for servers.
type recorder struct {
	testing.TB
	logged, failed string
}

func (*recorder) Helper() {}

func (r *recorder) Logf(format string, args ...any) { r.logged += fmt.Sprintf(format, args...) }

func (r *recorder) Fatalf(format string, args ...any) { r.failed += fmt.Sprintf(format, args...) }

func TestReportMissing(t *testing.T) {
	for ci, want := range map[string]recorder{
		"":     {logged: missingText},
		"true": {failed: missingText},
	} {
		t.Setenv("CI", ci)
		var got recorder
		report(&got, []Server{{Product: "redis", Version: "7.0.15"}})
		if got != want {
			t.Errorf("CI=%q: %+v, want %+v", ci, got, want)
		}
	}
}

const missingText = "redistest: no redis-8, no valkey-8 to test against: name server programs in ASIDE_SERVERS"
