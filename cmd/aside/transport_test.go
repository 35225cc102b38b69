package main

import (
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/redistest"
)

// firstServer starts a real server for the test alone.
func firstServer(t *testing.T, args ...string) (rdb redis.UniversalClient, addr string) {
	t.Helper()
	servers := redistest.Servers(t)
	if len(servers) == 0 {
		t.Skip("there is no server")
	}
	i := servers[0].StartCalm(t, redistest.Standalone, args...)
	return i.Client(t), i.Nodes()[0].Addr
}

// wantAllCommands runs every command on a server that holds user:42, and nothing else.
func wantAllCommands(t *testing.T, url string, flags ...string) {
	t.Helper()
	for _, step := range []struct{ command, want string }{
		{"inspect user:42", "a string"},
		{"keys user:*", "user:42\n"},
		{"du", "user"},
		{"delete user:42", "deleted"},
	} {
		r := aside(t, url, "", slices.Concat(flags, strings.Fields(step.command))...)
		if r.code != exitOK || !strings.Contains(r.stdout, step.want) || r.stderr != "" {
			t.Errorf("%s: exit code %d, %s%s", step.command, r.code, r.stdout, r.stderr)
		}
	}
}

// wantWatched has a process watch a server of which rdb is a client, in both ways.
func wantWatched(t *testing.T, rdb redis.UniversalClient, url string, flags ...string) {
	t.Helper()
	if err := rdb.ConfigSet(t.Context(), "notify-keyspace-events", "KA").Err(); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"user:*"}, {"-events", "user:*"}} {
		cmd, stdout, _ := watching(t, url, slices.Concat(flags, args)...)
		fill(t, rdb, "user:42")
		if line, err := stdout.ReadString('\n'); err != nil || !strings.Contains(line, "  user:42  ") {
			t.Errorf("watch %q: %q, %v", args, line, err)
		}
		_ = cmd.Process.Signal(syscall.SIGINT)
		_ = cmd.Wait()
	}
}

// All commands work by the socket of a server that has no port, in the database of the URL, and
// with the rights of its user.
func TestUnixSocket(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "aside-") // that of t may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "redis.sock")
	first, _ := firstServer(t, "--unixsocket", socket)
	guest := []any{"acl", "setuser", "guest", "on", ">secret", "~*", "&*", "+@all"}
	if err := first.Do(t.Context(), guest...).Err(); err != nil {
		t.Fatal(err)
	}
	if err := first.ConfigSet(t.Context(), "port", "0").Err(); err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: socket, DB: 3})
	defer rdb.Close()
	url := "unix://guest:secret@" + socket + "?db=3"
	fill(t, rdb, "user:42")
	wantAllCommands(t, url)
	wantWatched(t, rdb, url)
	for _, tt := range []struct {
		url  string
		code int
		want string
	}{
		{"unix://" + socket, exitNotFound, ""}, // it is in another database
		{"unix://guest:wrong@" + socket, exitRedis, "WRONGPASS"},
		{"unix://" + socket + "x", exitRedis, "no such file"},
	} {
		r := aside(t, tt.url, "", "inspect", "user:42")
		if r.code != tt.code || !strings.Contains(r.stderr, tt.want) {
			t.Errorf("%s: exit code %d, %s%s", tt.url, r.code, r.stdout, r.stderr)
		}
	}
}

// secured is a real server whose port is one of TLS, for clients that have a certificate of the
// authority. rdb is such a client, and flags are those of the program for another one.
func secured(
	t *testing.T, args ...string,
) (rdb *redis.Client, addr string, a *redistest.Authority, flags []string) {
	t.Helper()
	plain, addr := firstServer(t, args...)
	a = redistest.NewAuthority(t)
	_, port, _ := strings.Cut(addr, ":")
	conn := plain.(*redis.Client).Conn() // which outlives the port
	defer conn.Close()
	set := []any{"config", "set", "port", "0", "tls-auth-clients", "yes"}
	for _, arg := range a.ServerArgs(t) {
		set = append(set, strings.TrimPrefix(arg, "--"))
	}
	err := conn.Do(t.Context(), set...).Err()
	if err != nil && strings.Contains(err.Error(), "Unknown option") && os.Getenv("CI") == "" {
		t.Skip("the server is built without TLS")
	}
	if err == nil {
		err = conn.ConfigSet(t.Context(), "tls-port", port).Err()
	}
	if err != nil {
		t.Fatal(err)
	}
	cert, key := a.Issue(t, "client")
	own, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	rdb = redis.NewClient(&redis.Options{Addr: addr, TLSConfig: &tls.Config{
		RootCAs: a.Roots(t), Certificates: []tls.Certificate{own},
	}})
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb, addr, a, []string{"-cacert", a.File, "-cert", cert, "-key", key}
}

// All commands work over TLS, with the files that are named.
func TestTLS(t *testing.T) {
	t.Parallel()
	rdb, addr, _, flags := secured(t)
	url := "rediss://" + addr
	fill(t, rdb, "user:42")
	wantAllCommands(t, url, flags...)
	wantWatched(t, rdb, url, flags...)
	fill(t, rdb, "user:42")
	wantAllCommands(t, url+"?skip_verify=true", flags[2:]...)
}

// What is wrong with TLS is said, and what may help.
func TestErrorsOfTLS(t *testing.T) {
	t.Parallel()
	_, addr, _, flags := secured(t)
	other := redistest.NewAuthority(t).File
	_, plain := firstServer(t)
	const noAuthority, noClient = "name its file by -cacert", "by -cert and -key"
	anotherName := "localhost" + strings.TrimPrefix(addr, "127.0.0.1")
	for _, tt := range []struct {
		name, url string
		flags     []string
		want      string
	}{
		{"the system's authorities", "rediss://" + addr, flags[2:], noAuthority},
		{"another authority", "rediss://" + addr, []string{"-cacert", other}, noAuthority},
		{"another name", "rediss://" + anotherName, flags, "wanted to match localhost"},
		{"no certificate of the client", "rediss://" + addr, flags[:2], noClient},
		{"a server without TLS", "rediss://" + plain, []string{"-timeout", "200ms"}, "try redis://"},
		{"a server with TLS", "redis://" + addr, nil, "try rediss://"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, command := range []string{"inspect user:42", "watch *"} {
				r := aside(t, tt.url, "", slices.Concat(tt.flags, strings.Fields(command))...)
				lines := strings.Count(r.stderr, "\n")
				if r.code != exitRedis || !strings.Contains(r.stderr, tt.want) || lines != 1 {
					t.Errorf("%s: exit code %d, %s%s", command, r.code, r.stdout, r.stderr)
				}
			}
		})
	}
}

// The files are for the servers of a cluster as well.
func TestTLSOfACluster(t *testing.T) {
	t.Parallel()
	rdb, addr, _, flags := secured(t, "--cluster-enabled", "yes")
	if err := rdb.Do(t.Context(), "cluster", "addslotsrange", 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	for err := errors.New("not asked"); err != nil; {
		err = rdb.Set(t.Context(), "user:42", "Ada", 0).Err()
		if err != nil && !strings.Contains(err.Error(), "CLUSTERDOWN") { // as it is at its start
			t.Fatal(err)
		}
	}
	wantAllCommands(t, "rediss://"+addr, slices.Concat(flags, []string{"-cluster"})...)
}

// They are for Sentinels and for the servers that these name.
func TestTLSOfSentinels(t *testing.T) {
	t.Parallel()
	rdb, addr, a, flags := secured(t)
	own, err := tls.LoadX509KeyPair(a.Issue(t, "sentinel"))
	if err != nil {
		t.Fatal(err)
	}
	sentinel, err := miniredis.RunTLS(&tls.Config{
		Certificates: []tls.Certificate{own},
		ClientCAs:    a.Roots(t), ClientAuth: tls.RequireAndVerifyClientCert,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer sentinel.Close()
	err = sentinel.Server().Register("SENTINEL", func(c *server.Peer, _ string, args []string) {
		if args[0] == "get-master-addr-by-name" {
			host, port, _ := strings.Cut(addr, ":")
			c.WriteStrings([]string{host, port})
			return
		}
		c.WriteLen(0) // it knows of no others
	})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, rdb, "user:42")
	wantAllCommands(t, "rediss://"+sentinel.Addr()+"?master_name=main", flags...)
}

// Flags of TLS that cannot be meant so are refused.
func TestUsageErrorsOfTLS(t *testing.T) {
	a := redistest.NewAuthority(t)
	cert, key := a.Issue(t, "client")
	for _, tt := range []struct {
		url   string
		flags []string
		want  string
	}{
		{"redis://h", []string{"-cacert", a.File}, "the URL has to begin with rediss://"},
		{"rediss://h", []string{"-cert", cert}, "-cert and -key go together"},
		{"rediss://h", []string{"-key", key}, "-cert and -key go together"},
		{"rediss://h", []string{"-cacert", a.File + "x"}, "no such file"},
		{"rediss://h", []string{"-cacert", key}, "no certificate in PEM"},
		{"rediss://h", []string{"-cert", key, "-key", cert}, "-cert and -key: tls: "},
	} {
		r := aside(t, tt.url, "", slices.Concat(tt.flags, []string{"inspect", "k"})...)
		if r.code != exitUsage || !strings.Contains(r.stderr, tt.want) {
			t.Errorf("%s %q: exit code %d, %s, want %q", tt.url, tt.flags, r.code, r.stderr, tt.want)
		}
	}
}
