# This Node only installs: the one that runs everything is a package of the lock file.
FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev && npm cache clean --force
ENV PATH=/app/node_modules/.bin:$PATH
COPY . .
# The pages are built here, so that nothing is written beside the code later.
RUN node -e "import('/app/process/built-pages.ts').then(({ buildDashboards }) => buildDashboards())"
USER node
ENTRYPOINT ["node", "/app/meterline.ts"]
