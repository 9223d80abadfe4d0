package handler

// ContextOf is what the authorizer says of an identity.
var ContextOf = contextOf
