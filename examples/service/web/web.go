// Package web is the service's HTTP interface.
package web

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/asidecache/aside/examples/service/service"
	"github.com/asidecache/aside/examples/service/store"
)

// A Service is a *service.Service, or what a test has in place of one.
type Service interface {
	User(ctx context.Context, id int64) (store.User, error)
	Orders(ctx context.Context, userID int64) ([]store.Order, error)
	Leaderboard(ctx context.Context) ([]service.Place, error)
	AddUser(ctx context.Context, name, email string) (store.User, error)
	Rename(ctx context.Context, id int64, name string) (store.User, error)
	PlaceOrder(ctx context.Context, userID int64, item string, cents int64) (store.Order, error)
}

// requestTime is how long a request may take. The caches end their calls when it is over, whatever
// Redis and other requests do.
const requestTime = 5 * time.Second

// largestBody is the largest body of a request.
const largestBody = 16 << 10

// Handler returns the routes of a service.
func Handler(s Service, log *slog.Logger) http.Handler {
	h := handler{s, log}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /users/{id}", h.user)
	mux.HandleFunc("POST /users", h.addUser)
	mux.HandleFunc("PATCH /users/{id}", h.rename)
	mux.HandleFunc("GET /users/{id}/orders", h.orders)
	mux.HandleFunc("POST /users/{id}/orders", h.placeOrder)
	mux.HandleFunc("GET /leaderboard", h.leaderboard)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTime)
		defer cancel()
		mux.ServeHTTP(w, r.WithContext(ctx))
	})
}

type handler struct {
	service Service
	log     *slog.Logger
}

func (h handler) user(w http.ResponseWriter, r *http.Request) {
	if id, ok := h.id(w, r); ok {
		u, err := h.service.User(r.Context(), id)
		h.answer(w, r, http.StatusOK, u, err)
	}
}

func (h handler) addUser(w http.ResponseWriter, r *http.Request) {
	var body struct{ Name, Email string }
	if h.body(w, r, &body) && h.demand(w, body.Name != "", "name is missing") {
		u, err := h.service.AddUser(r.Context(), body.Name, body.Email)
		h.answer(w, r, http.StatusCreated, u, err)
	}
}

func (h handler) rename(w http.ResponseWriter, r *http.Request) {
	var body struct{ Name string }
	id, ok := h.id(w, r)
	if ok && h.body(w, r, &body) && h.demand(w, body.Name != "", "name is missing") {
		u, err := h.service.Rename(r.Context(), id, body.Name)
		h.answer(w, r, http.StatusOK, u, err)
	}
}

func (h handler) orders(w http.ResponseWriter, r *http.Request) {
	if id, ok := h.id(w, r); ok {
		orders, err := h.service.Orders(r.Context(), id)
		if orders == nil {
			orders = []store.Order{} // [] and not null
		}
		h.answer(w, r, http.StatusOK, orders, err)
	}
}

func (h handler) placeOrder(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Item  string
		Cents int64
	}
	id, ok := h.id(w, r)
	if ok && h.body(w, r, &body) && h.demand(w, body.Cents > 0, "cents has to be above 0") {
		o, err := h.service.PlaceOrder(r.Context(), id, body.Item, body.Cents)
		h.answer(w, r, http.StatusCreated, o, err)
	}
}

func (h handler) leaderboard(w http.ResponseWriter, r *http.Request) {
	board, err := h.service.Leaderboard(r.Context())
	h.answer(w, r, http.StatusOK, board, err)
}

// id returns the id in the path, or answers that it is none.
func (h handler) id(w http.ResponseWriter, r *http.Request) (int64, bool) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	return id, h.demand(w, err == nil && id > 0, "the id has to be a number above 0")
}

func (h handler) body(w http.ResponseWriter, r *http.Request, into any) bool {
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, largestBody)).Decode(into)
	return h.demand(w, err == nil, "the body has to be JSON")
}

// demand answers that the request is a bad one unless ok.
func (h handler) demand(w http.ResponseWriter, ok bool, otherwise string) bool {
	if !ok {
		h.write(w, http.StatusBadRequest, map[string]string{"error": otherwise})
	}
	return ok
}

// answer writes a value, or what has become of the request.
func (h handler) answer(w http.ResponseWriter, r *http.Request, status int, v any, err error) {
	switch {
	case err == nil:
		h.write(w, status, v)
	case errors.Is(err, service.ErrNotFound):
		h.write(w, http.StatusNotFound, map[string]string{"error": "not found"})
	case r.Context().Err() != nil:
		h.write(w, http.StatusServiceUnavailable, map[string]string{"error": "it took too long"})
	default:
		h.log.ErrorContext(r.Context(), "request failed", "path", r.URL.Path, "err", err)
		h.write(w, http.StatusInternalServerError, map[string]string{"error": "internal error"})
	}
}

func (h handler) write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // fails if the client has left
}
