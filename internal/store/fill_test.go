package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/faultnet"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

// What a load without a lease stores is sent once: when the answer is lost it may have been carried
// out, and a newer write have replaced it since.
func TestLeaselessCommitsAreSentOnce(t *testing.T) {
	eachLosing(t, func(t *testing.T, env *redistest.Env, l *faultnet.Network, s *store.Store, value content) {
		if env.Topology == redistest.Cluster {
			return // whose pipelines are the same
		}
		isString := shapeOf(value) == codec.ShapeString
		for _, tt := range []struct {
			name, word string
			value      content // nil: absent
			keys       []string
			is         bool
		}{
			{"small", "set", value, []string{"k"}, isString},
			{"small, of many", "set", value, []string{"k", "other"}, isString},
			{"small", "evalsha", value, []string{"k"}, !isString},
			{"small, of many", "evalsha", value, []string{"k", "other"}, !isString},
			{"large", "set", text(strings.Repeat("x", 100_000)), []string{"k"}, isString},
			{"absent", "evalsha", nil, []string{"k"}, true},
			{"absent, of many", "evalsha", nil, []string{"k", "other"}, true},
		} {
			if !tt.is {
				continue
			}
			var commits []store.Commit
			for _, key := range tt.keys {
				c := store.Commit{Committer: s.Leaseless(key), State: store.Absent, TTL: time.Hour}
				if tt.value != nil {
					c.State, c.Entry = store.Present, entry(key, tt.value)
				}
				commits = append(commits, c)
			}
			s.CommitAll(t.Context(), deadline(), commits) // Redis knows the scripts
			l.LoseAnswers(tt.word, 1)
			s.CommitAll(t.Context(), deadline(), commits)
			if n := l.Requests(); n != 1 || commits[0].Err == nil {
				t.Errorf("%s, with its answer lost: sent %d times, %v", tt.name, n, commits[0].Err)
			}
		}
	})
}
