package demo

import (
	"context"
	"encoding/json"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/examples/service/service"
	"github.com/asidecache/aside/examples/service/store"
)

// plain is the same service on plain GET, SET and DEL, for comparison. A change is followed by a
// DEL, and where Redis fails it asks the database.
type plain struct {
	store  *store.Store
	rdb    *redis.Client
	prefix string

	hits, lookups atomic.Uint64
}

const plainTTL = 10 * time.Minute // that of the caches

func through[V any](
	ctx context.Context, p *plain, key string, ttl time.Duration, load func() (V, error),
) (v V, err error) {
	text, err := p.rdb.Get(ctx, key).Bytes()
	p.lookups.Add(1)
	if err == nil && json.Unmarshal(text, &v) == nil {
		p.hits.Add(1)
		return v, nil
	}
	if v, err = load(); err != nil {
		return v, err
	}
	if text, err := json.Marshal(v); err == nil {
		_ = p.rdb.Set(ctx, key, text, ttl)
	}
	return v, nil
}

func (p *plain) userKey(id int64) string   { return p.prefix + "user:" + strconv.FormatInt(id, 10) }
func (p *plain) ordersKey(id int64) string { return p.prefix + "orders:" + strconv.FormatInt(id, 10) }

func (p *plain) User(ctx context.Context, id int64) (store.User, error) {
	return through(ctx, p, p.userKey(id), plainTTL, func() (store.User, error) { return p.store.User(ctx, id) })
}

func (p *plain) Orders(ctx context.Context, id int64) ([]store.Order, error) {
	return through(ctx, p, p.ordersKey(id), plainTTL, func() ([]store.Order, error) { return p.store.Orders(ctx, id) })
}

func (p *plain) Leaderboard(ctx context.Context) ([]service.Place, error) {
	return through(ctx, p, p.prefix+"leaders", 3*time.Second, func() ([]service.Place, error) {
		leaders, err := p.store.Leaders(ctx, 10)
		if err != nil {
			return nil, err
		}
		ids := make([]int64, len(leaders))
		for i, l := range leaders {
			ids[i] = l.UserID
		}
		users, err := p.store.Users(ctx, ids)
		board := make([]service.Place, len(leaders))
		for i, l := range leaders {
			board[i] = service.Place{UserID: l.UserID, Name: users[l.UserID].Name, Points: l.Points}
		}
		return board, err
	})
}

func (p *plain) AddUser(ctx context.Context, name, email string) (store.User, error) {
	return p.store.AddUser(ctx, name, email)
}

func (p *plain) Rename(ctx context.Context, id int64, name string) (store.User, error) {
	u, err := p.store.Rename(ctx, id, name)
	if err == nil {
		_ = p.rdb.Del(ctx, p.userKey(id))
	}
	return u, err
}

func (p *plain) PlaceOrder(ctx context.Context, id int64, item string, cents int64) (store.Order, error) {
	o, err := p.store.PlaceOrder(ctx, id, item, cents)
	if err == nil {
		_ = p.rdb.Del(ctx, p.userKey(id), p.ordersKey(id))
	}
	return o, err
}
