package servertest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/collection"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
	"github.com/asidecache/aside/loader"
)

// collect is the errors of calls.
type collect []error

func (c *collect) add(what string, err error) {
	if err != nil {
		*c = append(*c, fmt.Errorf("%s: %w", what, err))
	}
}

// usesCache calls all operations of a cache, and its Check.
func usesCache[V any](values codec.Codec[V], one, two V) func(context.Context, redis.UniversalClient) error {
	return func(ctx context.Context, rdb redis.UniversalClient) error {
		c, err := cache.New(rdb, cache.Config[string, V]{
			Name: "user", Version: 1, TTL: time.Hour, StaleFor: time.Hour, Codec: values,
			Lease: time.Second, RedisTimeout: 30 * time.Second,
		})
		if err != nil {
			return err
		}
		defer c.Close()
		if err := c.Check(ctx); err != nil {
			return fmt.Errorf("%w: %w", errCheck, err)
		}
		var errs collect
		load := func(v V) loader.Func[string, V] {
			return func(context.Context, string) (V, error) { return v, nil }
		}
		none := func(context.Context, string) (v V, err error) { return v, loader.ErrNotFound }
		all := func(_ context.Context, keys []string) (map[string]V, error) {
			m := make(map[string]V)
			for _, k := range keys[1:] {
				m[k] = two
			}
			return m, nil
		}
		for _, k := range []string{"a", "{b}", "c}"} {
			_, err = c.GetOrSet(ctx, k, load(one))
			errs.add("GetOrSet", err)
			_, _, err = c.Get(ctx, k)
			errs.add("Get", err)
			_, err = c.Refresh(ctx, k, load(two))
			errs.add("Refresh", err)
			_, err = c.Refresh(ctx, k, none)
			if !errors.Is(err, cache.ErrNotFound) {
				errs.add("Refresh", err)
			}
			_, err = c.GetOrSet(ctx, k+"n", none)
			if !errors.Is(err, cache.ErrNotFound) {
				errs.add("GetOrSet", err)
			}
			errs.add("Set", c.Set(ctx, k, two))
			_, err = c.Touch(ctx, k)
			errs.add("Touch", err)
			_, err = c.SetIfAbsent(ctx, k, one)
			errs.add("SetIfAbsent", err)
			_, err = c.Entry(ctx, k)
			errs.add("Entry", err)
			errs.add("Delete", c.Delete(ctx, k, k+"n"))
			_, err = c.SetIfAbsent(ctx, k, one)
			errs.add("SetIfAbsent", err)
			errs.add("SetAbsent", c.SetAbsent(ctx, k))
		}
		_, err = c.GetOrSetMany(ctx, []string{"a", "x", "{y}", "z}"}, all)
		errs.add("GetOrSetMany", err)
		_, err = c.GetMany(ctx, []string{"a", "x", "{y}", "z}"})
		errs.add("GetMany", err)
		errs.add("SetMany", c.SetMany(ctx, map[string]V{"x": one, "p": two}))
		errs.add("Delete", c.Delete(ctx, "x", "{y}", "z}", "p"))
		var p collection.Pipeline
		c.In(&p).Set("q", two)
		c.In(&p).Delete("q")
		errs.add("Exec", p.Exec(ctx))
		if s := c.Stats(); s.Unleased+s.RedisErrors+s.NotStored() > 0 {
			errs.add("Stats", fmt.Errorf("%d loads without leases, %d errors, %d not stored", s.Unleased, s.RedisErrors, s.NotStored()))
		}
		return errors.Join(errs...)
	}
}

// usesNear opens a near cache.
func usesNear(ctx context.Context, rdb redis.UniversalClient) error {
	c, err := cache.New(rdb, cache.Config[string, string]{
		Name: "user", TTL: time.Hour, RedisTimeout: 30 * time.Second, Near: cache.NearConfig{MaxEntries: 10},
	})
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Check(ctx); err != nil {
		return fmt.Errorf("%w: %w", errCheck, err)
	}
	_, err = c.GetOrSet(ctx, "a", func(context.Context, string) (string, error) { return "v", nil })
	return err
}

func elements() collection.Config[string, string] {
	return collection.Config[string, string]{Name: "user", TTL: time.Hour, RedisTimeout: 30 * time.Second}
}

// many are elements that are staged.
func many() []string {
	all := make([]string, 10_001)
	for i := range all {
		all[i] = fmt.Sprint(i)
	}
	return all
}

func usesList(ctx context.Context, rdb redis.UniversalClient) error {
	l, err := collection.NewList(rdb, elements())
	if err != nil {
		return err
	}
	defer l.Close()
	var errs collect
	_, err = l.PushBack(ctx, "k", many()...)
	errs.add("PushBack", err)
	_, err = l.PushFront(ctx, "k", "a", "b")
	errs.add("PushFront", err)
	_, err = l.InsertBefore(ctx, "k", "a", "c")
	errs.add("InsertBefore", err)
	_, err = l.InsertAfter(ctx, "k", "a", "d")
	errs.add("InsertAfter", err)
	_, err = l.PopFront(ctx, "k", 1)
	errs.add("PopFront", err)
	_, err = l.PopBack(ctx, "k", 1)
	errs.add("PopBack", err)
	_, _, err = l.At(ctx, "k", 0)
	errs.add("At", err)
	_, err = l.Range(ctx, "k", 0, 1)
	errs.add("Range", err)
	_, err = l.Len(ctx, "k")
	errs.add("Len", err)
	errs.add("Trim", l.Trim(ctx, "k", 0, 10))
	for _, err := range l.All(ctx, "k") {
		errs.add("All", err)
	}
	_, err = l.PopFront(ctx, "k", 100) // all, so that it is empty
	errs.add("PopFront", err)
	if n, err := l.With(collection.IfCached()).PushBack(ctx, "k", "a"); n != 1 {
		errs.add("PushBack", fmt.Errorf("an empty list counts as none: %v", err))
	}
	errs.add("Delete", l.Delete(ctx, "k"))
	// A process loads anew what is known to be empty.
	lease := fmt.Sprint("L0123456789abcdefE", time.Now().Add(time.Hour).UnixMilli())
	errs.add("SET", rdb.Set(ctx, "aside:{user:k}", lease, time.Minute).Err())
	_, err = l.PushBack(ctx, "k", "a")
	errs.add("PushBack", err)
	_, err = l.With(collection.Renew()).PushBack(ctx, "k", "a")
	errs.add("PushBack", err)
	errs.add("Delete", l.Delete(ctx, "k"))
	return errors.Join(errs...)
}

func usesSet(ctx context.Context, rdb redis.UniversalClient) error {
	s, err := collection.NewSet(rdb, elements())
	if err != nil {
		return err
	}
	defer s.Close()
	var errs collect
	_, err = s.Add(ctx, "{s}k", many()...)
	errs.add("Add", err)
	_, err = s.Add(ctx, "{s}l", "1", "x")
	errs.add("Add", err)
	_, err = s.Remove(ctx, "{s}k", "2")
	errs.add("Remove", err)
	_, err = s.Has(ctx, "{s}k", "1")
	errs.add("Has", err)
	_, err = s.HasMany(ctx, "{s}k", []string{"1", "2"}...)
	errs.add("HasMany", err)
	_, err = s.Members(ctx, "{s}l")
	errs.add("Members", err)
	_, err = s.Random(ctx, "{s}k", 2)
	errs.add("Random", err)
	_, err = s.Len(ctx, "{s}k")
	errs.add("Len", err)
	for name, f := range map[string]func(context.Context, ...string) ([]string, error){"Union": s.Union, "Intersect": s.Intersect} {
		_, err = f(ctx, "{s}k", "{s}l")
		errs.add(name, err)
	}
	_, err = s.Diff(ctx, "{s}k", "{s}l")
	errs.add("Diff", err)
	for _, err := range s.All(ctx, "{s}k") {
		errs.add("All", err)
	}
	_, err = s.Pop(ctx, "{s}k", 20_000)
	errs.add("Pop", err)
	_, err = s.With(collection.Renew()).Add(ctx, "{s}k", "a")
	errs.add("Add", err)
	errs.add("Delete", s.Delete(ctx, "{s}k", "{s}l"))
	return errors.Join(errs...)
}

func usesSortedSet(ctx context.Context, rdb redis.UniversalClient) error {
	z, err := collection.NewSortedSet(rdb, elements())
	if err != nil {
		return err
	}
	defer z.Close()
	var errs collect
	var all []codec.Scored[string]
	for i, e := range many() {
		all = append(all, codec.Scored[string]{Elem: e, Score: float64(i)})
	}
	_, err = z.Put(ctx, "k", all...)
	errs.add("Put", err)
	_, err = z.PutIf(ctx, "k", collection.New, all[:2]...)
	errs.add("PutIf", err)
	_, err = z.Incr(ctx, "k", "3", 1)
	errs.add("Incr", err)
	_, err = z.Remove(ctx, "k", "4")
	errs.add("Remove", err)
	_, _, err = z.Score(ctx, "k", "1")
	errs.add("Score", err)
	_, _, err = z.Rank(ctx, "k", "1")
	errs.add("Rank", err)
	_, _, err = z.RankBack(ctx, "k", "1")
	errs.add("RankBack", err)
	_, err = z.Range(ctx, "k", 0, 1)
	errs.add("Range", err)
	_, err = z.RangeBack(ctx, "k", 0, 1)
	errs.add("RangeBack", err)
	_, err = z.RangeByScore(ctx, "k", collection.Scores{Min: 1, Max: 2})
	errs.add("RangeByScore", err)
	_, err = z.RangeByScoreBack(ctx, "k", collection.Scores{Min: 1, Max: 2})
	errs.add("RangeByScoreBack", err)
	_, err = z.RemoveByScore(ctx, "k", collection.Scores{Min: 5, Max: 6})
	errs.add("RemoveByScore", err)
	_, err = z.RemoveRange(ctx, "k", 0, 1)
	errs.add("RemoveRange", err)
	_, err = z.PopMin(ctx, "k", 1)
	errs.add("PopMin", err)
	_, err = z.Len(ctx, "k")
	errs.add("Len", err)
	for _, err := range z.All(ctx, "k") {
		errs.add("All", err)
	}
	_, err = z.PopMax(ctx, "k", 20_000)
	errs.add("PopMax", err)
	_, err = z.With(collection.Renew()).Put(ctx, "k", all[0])
	errs.add("Put", err)
	errs.add("Delete", z.Delete(ctx, "k"))
	return errors.Join(errs...)
}

func newHash(rdb redis.UniversalClient) (*collection.Hash[string, account], error) {
	return collection.NewHash(rdb, collection.HashConfig[string, account]{
		Name: "user", TTL: time.Hour, RedisTimeout: 30 * time.Second, Mapping: accounts,
	})
}

func usesHash(ctx context.Context, rdb redis.UniversalClient) error {
	h, err := newHash(rdb)
	if err != nil {
		return err
	}
	defer h.Close()
	id, err := hashmap.FieldOf[int64](accounts, "id")
	if err != nil {
		return err
	}
	name, err := hashmap.FieldOf[string](accounts, "name")
	if err != nil {
		return err
	}
	balance, err := hashmap.FieldOf[float64](accounts, "balance")
	if err != nil {
		return err
	}
	var errs collect
	errs.add("Store", h.Store(ctx, "k", account{ID: 1, Name: strings.Repeat("one", 2000)}))
	_, _, err = h.Load(ctx, "k")
	errs.add("Load", err)
	var n int64
	_, err = h.Get(ctx, "k", id.Into(&n))
	errs.add("Get", err)
	errs.add("Set", h.Set(ctx, "k", name.To("two")))
	errs.add("Incr", h.Incr(ctx, "k", id.Into(&n), 1))
	var f float64
	errs.add("IncrFloat", h.IncrFloat(ctx, "k", balance.Into(&f), 1))
	_, err = h.Remove(ctx, "k", name, id, balance)
	errs.add("Remove", err)
	errs.add("Set", h.With(collection.Renew()).Set(ctx, "k", name.To("two")))
	errs.add("Delete", h.Delete(ctx, "k"))
	return errors.Join(errs...)
}

func usesFieldTTLs(ctx context.Context, rdb redis.UniversalClient) error {
	h, err := newHash(rdb)
	if err != nil {
		return err
	}
	defer h.Close()
	id, err := hashmap.FieldOf[int64](accounts, "id")
	if err != nil {
		return err
	}
	var errs collect
	errs.add("Store", h.Store(ctx, "k", account{ID: 1, Name: "one"}))
	_, err = h.ExpireFields(ctx, "k", time.Minute, id)
	errs.add("ExpireFields", err)
	_, _, err = h.FieldTTL(ctx, "k", id)
	errs.add("FieldTTL", err)
	_, err = h.PersistFields(ctx, "k", id)
	errs.add("PersistFields", err)
	return errors.Join(errs...)
}

func usesReplicas(ctx context.Context, rdb redis.UniversalClient) error {
	c, err := cache.New(rdb, cache.Config[string, string]{Name: "user", TTL: time.Hour, RedisTimeout: 30 * time.Second, WaitReplicas: 1})
	if err != nil {
		return err
	}
	defer c.Close()
	return errors.Join(c.Set(ctx, "k", "v"), c.Delete(ctx, "k"), c.Check(ctx))
}

func usesExecAtomic(ctx context.Context, rdb redis.UniversalClient) error {
	l, err := collection.NewList(rdb, elements())
	if err != nil {
		return err
	}
	defer l.Close()
	var p collection.Pipeline
	l.In(&p).PushBack("k", "a")
	l.In(&p).Len("k")
	return p.ExecAtomic(ctx)
}
