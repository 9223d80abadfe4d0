package sam

import "fmt"

// Place is where the template has a resource, or a route of one. Who finds a fault
// later, when an API is served or a table made, puts it before the error:
// fmt.Errorf("%s: %w", place, err) reads like the errors of Parse.
type Place struct {
	File string // as Load or Parse was given it
	Line int    // from 1
	ID   string // logical id
}

// String is file:line: ID.
func (p Place) String() string { return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.ID) }

// APIPlace returns where the API with this id stands; the zero Place, as from the
// other three, if the template has none.
func (t *Template) APIPlace(id string) Place { return t.places[placeOfAPI+id] }

// RoutePlace returns where the route with this key of the API with this id stands:
// a resource of its own, or a line of an AWS::Serverless::WebSocketApi, whose logical
// id it has then.
func (t *Template) RoutePlace(api, key string) Place { return t.places[placeOfAPI+api+"/"+key] }

// FunctionPlace returns where the function with this name stands.
func (t *Template) FunctionPlace(name string) Place { return t.places[placeOfFunction+name] }

// TablePlace returns where the table with this name stands.
func (t *Template) TablePlace(name string) Place { return t.places[placeOfTable+name] }

// What the keys of Template.places begin with. A route's is that of its API, a
// slash and its own key.
const (
	placeOfAPI      = "api "
	placeOfFunction = "function "
	placeOfTable    = "table "
)

func (s *stack) placed(t *Template, key string, r *resource, line int) {
	t.places[key] = Place{File: s.file, Line: line, ID: r.id}
}
