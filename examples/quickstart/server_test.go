package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// A user with other rights than the default one's, in the words of ACL SETUSER.
func user(rights ...any) func(t *testing.T, rdb redis.UniversalClient) {
	return does(append([]any{"ACL", "SETUSER", "guest", "on", ">secret", "~*"}, rights...)...)
}

func does(command ...any) func(t *testing.T, rdb redis.UniversalClient) {
	return func(t *testing.T, rdb redis.UniversalClient) {
		if err := rdb.Do(t.Context(), command...).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// The story is told whatever the Redis of REDIS_URL refuses, and what that is is said.
func TestRedisURLOfServers(t *testing.T) {
	for _, s := range redistest.Servers(t) {
		for part := range 4 {
			t.Run(fmt.Sprintf("%s-%d", s, part), func(t *testing.T) {
				t.Parallel()
				testStates(t, s, part)
			})
		}
		t.Run(s.String()+"-cluster", func(t *testing.T) {
			t.Parallel()
			wantStory(t, "redis://"+s.StartCalm(t, redistest.Cluster).Nodes()[0].Addr, "is a node of a cluster")
		})
	}
}

// testStates brings a server into the states of one part, one after the other. The parts are
// independent of each other.
func testStates(t *testing.T, s redistest.Server, part int) {
	i := s.Start(t, redistest.Standalone)
	rdb, node := i.Client(t), i.Nodes()[0]
	secured := secure(t, node.Addr)
	guest := "redis://guest:secret@" + node.Addr
	for _, tt := range []struct {
		part  int
		name  string
		begin func(t *testing.T, rdb redis.UniversalClient) // nil: all is as it is
		url   string
		want  string
	}{
		{0, "all is well", nil, "redis://" + node.Addr, "aside, on the Redis at"},
		{0, "no TLS", nil, "rediss://" + node.Addr, "speaks no TLS"},
		{0, "a certificate of nobody", nil, "rediss://" + secured, "is not trusted"},
		{0, "TLS alone", nil, "redis://" + secured, "does not speak as a Redis does"},
		{0, "no such user", nil, guest, "does not accept this user with this password"},
		{1, "a full guest", user("+@all"), guest, "aside, on the Redis at"},
		{1, "no MULTI", user("-@all", "+@read", "+@write", "+@scripting", "+@connection"), guest, "aside, on the Redis at"},
		{1, "no scripts", user("+@all", "-@scripting"), guest, "does not allow this user"},
		{1, "neither", user("-@all", "+@read", "+@write", "+@connection"), guest, "does not allow this user"},
		{1, "no writes", user("-@all", "+@read", "+@scripting", "+@connection"), guest, "does not allow this user"},
		{1, "no reads", user("-@all", "+@write", "+@scripting", "+@connection"), guest, "does not allow this user"},
		{1, "other keys", user("+@all", "resetkeys", "~other:*"), guest, "does not allow this user"},
		{1, "nothing", user("-@all"), guest, "does not allow this user"},
		{1, "no database of that number", nil, "redis://" + node.Addr + "/99", "DB index is out of range"},
		{2, "no memory", does("CONFIG", "SET", "maxmemory", "1"), "redis://" + node.Addr, "has no memory left"},
		{2, "memory", does("CONFIG", "SET", "maxmemory", "0"), "redis://" + node.Addr, "aside, on the Redis at"},
		{2, "too few replicas", does("CONFIG", "SET", "min-replicas-to-write", "1"), "redis://" + node.Addr, "too few replicas"},
		{2, "enough of them", does("CONFIG", "SET", "min-replicas-to-write", "0"), "redis://" + node.Addr, "aside, on the Redis at"},
		{2, "a replica", does("REPLICAOF", "127.0.0.1", "1"), "redis://" + node.Addr, "is a replica that may only be read"},
		{2, "no replica", does("REPLICAOF", "NO", "ONE"), "redis://" + node.Addr, "aside, on the Redis at"},
		{2, "a password", does("CONFIG", "SET", "requirepass", "secret"), "redis://" + node.Addr, "wants a password"},
		{3, "frozen", func(t *testing.T, _ redis.UniversalClient) { node.Pause(t) }, "redis://" + node.Addr, "does not answer"},
		{3, "down", func(t *testing.T, _ redis.UniversalClient) { node.Kill(t) }, "redis://" + node.Addr, "nobody listens"},
	} {
		if tt.part != part {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			if tt.begin != nil {
				tt.begin(t, rdb)
			}
			wantStory(t, tt.url, tt.want)
		})
	}
}

// secure returns the address at which the server at addr speaks TLS, with a certificate
// that nobody has signed.
func secure(t *testing.T, addr string) string {
	t.Helper()
	web := httptest.NewUnstartedServer(nil)
	web.StartTLS()
	certificates := web.TLS.Certificates
	web.Close()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: certificates})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer client.Close()
				server, err := net.Dial("tcp", addr)
				if err != nil {
					return
				}
				defer server.Close()
				go func() { _, _ = io.Copy(server, client); _ = server.Close() }()
				_, _ = io.Copy(client, server)
			}()
		}
	}()
	return l.Addr().String()
}
