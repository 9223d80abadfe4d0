module chat

go 1.26.0
