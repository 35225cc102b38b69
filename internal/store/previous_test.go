package store_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

// What is made of a value of the version before is stored while that is there: so a cluster is
// told of the versions in their order, behind the control key.
func TestDeleteEndsVersionsInTheirOrder(t *testing.T) {
	eachUnlinking(t, func(t *testing.T, u *unlinking, s *store.Store, clustered bool) {
		for version, versions := range map[int][]string{
			0: {"user:k", "user@1{user:k}"},
			1: {"user:k", "user@1{user:k}", "user@2{user:k}"},
			4: {"user@2{user:k}", "user@3{user:k}", "user@4{user:k}", "user@5{user:k}"},
		} {
			f := rediskey.NewFamily("user", version)
			key := string(f.End(append(f.Begin(nil), 'k'), 0))
			s.SetFamily(f)
			u.refuse()
			if failed := s.Delete(t.Context(), deadline(), []string{key}); failed != nil {
				t.Fatal(failed)
			}
			got, want := u.noted(), append([]string{"aside:{user:k}"}, versions...)
			if !clustered { // one command
				slices.Sort(got)
				slices.Sort(want)
			}
			if !slices.Equal(got, want) {
				t.Errorf("Delete by version %d unlinks %q, want %q", version, got, want)
			}
		}
	})
}

// What was made of a value that is gone is not stored, whatever the form and size.
func TestLeaseUpgradesWhatIsThere(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		for _, shape := range []codec.Shape{codec.ShapeString, codec.ShapeList} {
			s := newStore(t, env.Client, shape)
			s.SetFamily(rediskey.NewFamily("user", 1))
			const key, before = "user@1{user:k}", "user:k"
			for _, size := range []int{0, 1, 100_000} {
				if size == 0 && shape == codec.ShapeString {
					continue
				}
				for _, there := range []bool{true, false} {
					env.FlushAll(t)
					if there {
						if err := env.Client.Set(t.Context(), before, "v", 0).Err(); err != nil {
							t.Fatal(err)
						}
					}
					leases := grantedAll(t, s, []string{key, "user@1{user:other}"})
					leases[0].Upgrades(before)
					e := new(store.Entry)
					e.Wire.Reset(key)
					if size > 0 {
						e.Wire.Add(nil, []byte(strings.Repeat("v", size)))
					}
					commits := []store.Commit{
						{Committer: leases[0], State: store.Present, Entry: e, TTL: time.Hour},
						{Committer: leases[1], State: store.Present, Entry: e, TTL: time.Hour},
					}
					s.CommitAll(t.Context(), deadline(), commits)
					if commits[0].Err != nil || commits[1].Err != nil || commits[0].Stored != there || !commits[1].Stored {
						t.Errorf("%v of %d bytes, before there %v: stored %v, %v, beside it %v, %v",
							shape, size, there, commits[0].Stored, commits[0].Err, commits[1].Stored, commits[1].Err)
					}
					if left := env.Client.Exists(t.Context(), "aside:{user:k}").Val(); left != 0 && size > 0 {
						t.Error("a lease was left behind")
					}
				}
			}
		}
	})
}
