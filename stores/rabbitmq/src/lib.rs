//! Wake-ups between nodes: RabbitMQ.
