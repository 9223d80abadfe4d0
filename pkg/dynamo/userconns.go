package dynamo

import (
	"context"

	"kaiwa/pkg/chat"
)

// userPage is how many connections UserConnections reads at a time.
const userPage = 100

// UserConnections lists all connections of a user that are not gone, consistently.
// 1 read unit per 4 KB and 1 for each connection.
func (t *Table) UserConnections(ctx context.Context, user string) ([]chat.Connection, error) {
	var list []chat.Connection
	for behind := ""; ; {
		page, next, err := t.UserPage(ctx, user, behind, userPage)
		if err != nil {
			return nil, err
		}
		list = append(list, page...)
		if next == "" {
			return list, nil
		}
		behind = next
	}
}
