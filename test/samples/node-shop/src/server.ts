import express from 'express';

// Routes of the shop itself, and no calls of Klaviyo.
const app = express();
app.get('/api/orders/:id', (request, response) => response.json({ id: request.params.id }));
app.post('/api/profiles', (request, response) => response.sendStatus(204));
