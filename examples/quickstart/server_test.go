package main

import (
	"crypto/tls"
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
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			i := s.Start(t, redistest.Standalone)
			rdb, node := i.Client(t), i.Nodes()[0]
			secured := secure(t, node.Addr)
			guest := "redis://guest:secret@" + node.Addr
			for _, tt := range []struct {
				name  string
				begin func(t *testing.T, rdb redis.UniversalClient) // nil: all is as it is
				url   string
				want  string
			}{
				{"all is well", nil, "redis://" + node.Addr, "aside, on the Redis at"},
				{"no TLS", nil, "rediss://" + node.Addr, "speaks no TLS"},
				{"a certificate of nobody", nil, "rediss://" + secured, "is not trusted"},
				{"TLS alone", nil, "redis://" + secured, "does not speak as a Redis does"},
				{"no such user", nil, guest, "does not accept this user with this password"},
				{"a full guest", user("+@all"), guest, "aside, on the Redis at"},
				{"no MULTI", user("-@all", "+@read", "+@write", "+@scripting", "+@connection"), guest, "aside, on the Redis at"},
				{"no scripts", user("+@all", "-@scripting"), guest, "does not allow this user"},
				{"neither", user("-@all", "+@read", "+@write", "+@connection"), guest, "does not allow this user"},
				{"no writes", user("-@all", "+@read", "+@scripting", "+@connection"), guest, "does not allow this user"},
				{"no reads", user("-@all", "+@write", "+@scripting", "+@connection"), guest, "does not allow this user"},
				{"other keys", user("+@all", "resetkeys", "~other:*"), guest, "does not allow this user"},
				{"nothing", user("-@all"), guest, "does not allow this user"},
				{"no database of that number", nil, "redis://" + node.Addr + "/99", "DB index is out of range"},
				{"no memory", does("CONFIG", "SET", "maxmemory", "1"), "redis://" + node.Addr, "has no memory left"},
				{"memory", does("CONFIG", "SET", "maxmemory", "0"), "redis://" + node.Addr, "aside, on the Redis at"},
				{"too few replicas", does("CONFIG", "SET", "min-replicas-to-write", "1"), "redis://" + node.Addr, "too few replicas"},
				{"enough of them", does("CONFIG", "SET", "min-replicas-to-write", "0"), "redis://" + node.Addr, "aside, on the Redis at"},
				{"a replica", does("REPLICAOF", "127.0.0.1", "1"), "redis://" + node.Addr, "is a replica that may only be read"},
				{"no replica", does("REPLICAOF", "NO", "ONE"), "redis://" + node.Addr, "aside, on the Redis at"},
				{"a password", does("CONFIG", "SET", "requirepass", "secret"), "redis://" + node.Addr, "wants a password"},
				{"frozen", func(t *testing.T, _ redis.UniversalClient) { node.Pause(t) }, "redis://" + node.Addr, "does not answer"},
				{"down", func(t *testing.T, _ redis.UniversalClient) { node.Kill(t) }, "redis://" + node.Addr, "nobody listens"},
			} {
				t.Run(tt.name, func(t *testing.T) {
					if tt.begin != nil {
						tt.begin(t, rdb)
					}
					wantStory(t, tt.url, tt.want)
				})
			}
		})
		t.Run(s.String()+"-cluster", func(t *testing.T) {
			t.Parallel()
			wantStory(t, "redis://"+s.StartCalm(t, redistest.Cluster).Nodes()[0].Addr, "is a node of a cluster")
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
