package store_test

import (
	"maps"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/faultnet"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

func readFields(t *testing.T, s *store.Store, key string, names ...string) (content, bool, error) {
	t.Helper()
	var fields [][]byte
	for _, name := range names {
		fields = append(fields, []byte(name))
	}
	e := new(store.Entry)
	found, err := s.ReadFields(t.Context(), key, fields, e, time.Now())
	return contentOf(e), found, err
}

func TestReadFields(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		for _, protocol := range []int{2, 3} {
			env.FlushAll(t)
			l := new(faultnet.Network)
			rdb := env.NewClient(t, l.Through, func(o *redis.UniversalOptions) { o.Protocol = protocol })
			s := newStore(t, rdb, codec.ShapeHash)
			if err := s.Put(t.Context(), deadline(), "k", entry("k", content{"a": "1", "b": "\r\n$-1\r\n", "c": ""}), time.Hour); err != nil {
				t.Fatal(err)
			}
			for _, tt := range []struct {
				key   string
				names []string
				want  content
			}{
				{"k", []string{"c", "b"}, content{"b": "\r\n$-1\r\n", "c": ""}},
				{"k", []string{"a", "x", "a"}, content{"a": "1"}},
				{"k", []string{"x"}, content{}},
				{"missing", []string{"a"}, content{}},
			} {
				for _, lost := range []int{0, 1} {
					l.LoseAnswers("hmget", lost)
					got, found, err := readFields(t, s, tt.key, tt.names...)
					if err != nil || found != (len(tt.want) > 0) || !maps.Equal(got, tt.want) {
						t.Errorf("RESP%d: %s %q, %d answers lost: %q, %v, %v", protocol, tt.key, tt.names, lost, got, found, err)
					}
					if n := l.Requests(); n != 1+lost {
						t.Errorf("RESP%d: %d commands were sent, want %d", protocol, n, 1+lost)
					}
				}
			}
			l.LoseAnswers("hmget", 1000)
			if _, found, err := readFields(t, s, "k", "a"); found || err == nil || store.IsBroken(err) {
				t.Errorf("when all answers are lost: %v, %v", found, err)
			}
			l.LoseAnswers("hmget", 0)
			foreign(t, env.Client, "k", "string")
			if _, found, err := readFields(t, s, "k", "a"); found || err != store.ErrWrongType {
				t.Errorf("of a string: %v, %v", found, err)
			}
			l.LoseAnswers("hmget", 1)
			if _, found, err := readFields(t, s, "k", "a"); found || err != store.ErrWrongType {
				t.Errorf("of a string, on a second try: %v, %v", found, err)
			}
		}
	})
}
