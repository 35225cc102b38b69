// Package service is what the service does: it reads through its caches, changes rows, and
// invalidates what is cached of them. This is the file to read first.
package service

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/examples/service/store"
	"github.com/asidecache/aside/hashmap"
	"github.com/asidecache/aside/loader"
)

// ErrNotFound means that there is no such user.
var ErrNotFound = store.ErrNotFound

// A Store is where the rows are: a *store.Store, or what a test puts around one.
type Store interface {
	User(ctx context.Context, id int64) (store.User, error)
	Users(ctx context.Context, ids []int64) (map[int64]store.User, error)
	Orders(ctx context.Context, userID int64) ([]store.Order, error)
	Leaders(ctx context.Context, n int) ([]store.Leader, error)
	AddUser(ctx context.Context, name, email string) (store.User, error)
	Rename(ctx context.Context, id int64, name string) (store.User, error)
	PlaceOrder(ctx context.Context, userID int64, item string, cents int64) (store.Order, error)
}

// A Place is a line of the leaderboard.
type Place struct {
	UserID int64  `json:"user_id"`
	Name   string `json:"name"`
	Points int64  `json:"points"`
}

// places is how many lines the leaderboard has.
const places = 10

// everybody is the key of the one leaderboard that there is.
const everybody = "everybody"

// What stands in Redis: a hash, JSON and a sorted set, which redis-cli shows and programs in other
// languages can read.
var (
	userCodec    = hashmap.MustOf[store.User](hashmap.UseTag("json"))
	ordersCodec  = codec.JSON[[]store.Order]()
	leadersCodec = codec.SortedSet(codec.Text[int64]())
)

// A Service answers from its caches where it can.
type Service struct {
	store Store
	log   *slog.Logger

	users   *cache.Cache[int64, store.User]
	orders  *cache.Cache[int64, []store.Order]
	leaders *cache.Cache[string, []codec.Scored[int64]]

	loadUser loader.Func[int64, store.User]
}

// New makes the caches, with the defaults of a registry and under keys that begin with prefix.
func New(
	rdb redis.UniversalClient, st Store, caches *cache.Registry, prefix string, log *slog.Logger,
) (*Service, error) {
	s := &Service{store: st, log: log}
	// That a user does not exist is an answer, and cached as one.
	s.loadUser = loader.NotFoundIf(st.User, func(err error) bool {
		return errors.Is(err, store.ErrNotFound)
	})
	var errs [3]error
	// Nearly every request reads users, so they are kept in process memory as well.
	s.users, errs[0] = cache.New(rdb, cache.Config[int64, store.User]{
		Name: prefix + "user", Codec: userCodec,
		TTL: 10 * time.Minute, StaleFor: time.Hour, // served for an hour more while the database is down
		Near:     cache.NearConfig{MaxEntries: 10_000},
		Registry: caches,
	})
	s.orders, errs[1] = cache.New(rdb, cache.Config[int64, []store.Order]{
		Name: prefix + "orders", Codec: ordersCodec, TTL: 10 * time.Minute, Registry: caches,
	})
	// Each order changes the leaderboard: if each deleted it, it would hardly ever be cached. So it
	// may be some seconds old, and is served stale while one process loads it anew.
	s.leaders, errs[2] = cache.New(rdb, cache.Config[string, []codec.Scored[int64]]{
		Name: prefix + "leaders", Codec: leadersCodec,
		TTL: 3 * time.Second, StaleFor: time.Minute, Registry: caches,
	})
	return s, errors.Join(errs[:]...)
}

// User returns a user.
func (s *Service) User(ctx context.Context, id int64) (store.User, error) {
	u, err := s.users.GetOrSet(ctx, id, s.loadUser)
	return u, found(err)
}

// found translates the cache's error for a user that does not exist into the service's own.
func found(err error) error {
	if errors.Is(err, cache.ErrNotFound) {
		return ErrNotFound
	}
	return err
}

// Orders returns the orders of a user. That there are none is cached as well.
func (s *Service) Orders(ctx context.Context, userID int64) ([]store.Order, error) {
	return s.orders.GetOrSet(ctx, userID, s.store.Orders)
}

// Leaderboard returns the users that have most points. Their names are those of the cached users:
// one round trip for all of them, and one query for all that are not cached.
func (s *Service) Leaderboard(ctx context.Context) ([]Place, error) {
	leaders, err := s.leaders.GetOrSet(ctx, everybody, s.loadLeaders)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(leaders))
	for i, l := range leaders {
		ids[i] = l.Elem
	}
	users, err := s.users.GetOrSetMany(ctx, ids, s.store.Users)
	if err != nil {
		return nil, err
	}
	board := make([]Place, len(leaders))
	for i, l := range leaders {
		board[i] = Place{UserID: l.Elem, Name: users[l.Elem].Name, Points: int64(l.Score)}
	}
	// Redis returns the lowest score first; a leaderboard begins with the highest.
	slices.SortFunc(board, func(a, b Place) int {
		return cmp.Or(cmp.Compare(b.Points, a.Points), cmp.Compare(a.UserID, b.UserID))
	})
	return board, nil
}

func (s *Service) loadLeaders(ctx context.Context, _ string) ([]codec.Scored[int64], error) {
	leaders, err := s.store.Leaders(ctx, places)
	scored := make([]codec.Scored[int64], len(leaders))
	for i, l := range leaders {
		scored[i] = codec.Scored[int64]{Elem: l.UserID, Score: float64(l.Points)}
	}
	return scored, err
}
