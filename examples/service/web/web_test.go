package web_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/asidecache/aside/examples/service/service"
	"github.com/asidecache/aside/examples/service/store"
	"github.com/asidecache/aside/examples/service/web"
)

// fake is a service with one user, 1. User 2 makes it fail.
type fake struct{}

var errSecret = errors.New("secret")

func (fake) of(id int64) (store.User, error) {
	switch id {
	case 1:
		return store.User{ID: 1, Name: "Ada", Revision: 3}, nil
	case 2:
		return store.User{}, errSecret
	}
	return store.User{}, service.ErrNotFound
}

func (f fake) User(_ context.Context, id int64) (store.User, error) { return f.of(id) }
func (f fake) Rename(_ context.Context, id int64, name string) (store.User, error) {
	u, err := f.of(id)
	u.Name = name
	return u, err
}
func (f fake) Orders(context.Context, int64) ([]store.Order, error) { return nil, nil }
func (f fake) AddUser(_ context.Context, name, email string) (store.User, error) {
	return store.User{ID: 7, Name: name, Email: email}, nil
}
func (f fake) PlaceOrder(_ context.Context, id int64, item string, cents int64) (store.Order, error) {
	_, err := f.of(id)
	return store.Order{ID: 9, UserID: id, Item: item, Cents: cents}, err
}
func (f fake) Leaderboard(context.Context) ([]service.Place, error) {
	return []service.Place{{UserID: 1, Name: "Ada", Points: 5}}, nil
}

func TestRoutes(t *testing.T) {
	h := web.Handler(fake{}, slog.New(slog.DiscardHandler))
	for _, tt := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"GET", "/users/1", "", 200, `{"id":1,"name":"Ada","email":"","points":0,"revision":3}`},
		{"GET", "/users/3", "", 404, `{"error":"not found"}`},
		{"GET", "/users/2", "", 500, `{"error":"internal error"}`},
		{"GET", "/users/x", "", 400, `number`},
		{"GET", "/users/-1", "", 400, `number`},
		{"DELETE", "/users/1", "", 405, ``},
		{"GET", "/users/1/orders", "", 200, `[]`},
		{"POST", "/users/1/orders", `{"item": "a book", "cents": 5}`, 201, `"id":9,"user_id":1,"item":"a book","cents":5`},
		{"POST", "/users/1/orders", `{"item": "a book"}`, 400, `above 0`},
		{"POST", "/users/3/orders", `{"cents": 5}`, 404, `not found`},
		{"POST", "/users", `{"name": "Bob", "email": "b@example.com"}`, 201, `"id":7,"name":"Bob","email":"b@example.com"`},
		{"POST", "/users", `{}`, 400, `name is missing`},
		{"POST", "/users", `{"name": "` + strings.Repeat("x", 1<<16) + `"}`, 400, `JSON`},
		{"PATCH", "/users/1", `{"name": "Ada L."}`, 200, `"name":"Ada L."`},
		{"PATCH", "/users/1", `no JSON`, 400, `JSON`},
		{"PATCH", "/users/3", `{"name": "Eve"}`, 404, `not found`},
		{"GET", "/leaderboard", "", 200, `[{"user_id":1,"name":"Ada","points":5}]`},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, strings.NewReader(tt.body)))
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.says) || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s %s: %d, %s; want %d, %s", tt.method, tt.path, w.Code, w.Body, tt.status, tt.says)
		}
	}
}
