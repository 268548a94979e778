import requests

BASE = "https://a.klaviyo.com/api"
HEADERS = {"Authorization": f"Klaviyo-API-Key {KEY}", "revision": "2026-07-15"}


def push_catalog(item):
    return requests.patch(
        f"{BASE}/catalog-items/{item.id}/",
        json=item.body(),
        headers=HEADERS,
    )


def create_item(item):
    url = BASE + "/catalog-items/"
    return requests.post(url, json=item.body(), headers=HEADERS)


def segment_members(segment_id):
    url = "https://a.klaviyo.com/api/segments/" + segment_id + "/profiles/"
    while url:
        page = requests.get(url, headers=HEADERS).json()
        yield from page["data"]
        url = page["links"]["next"]


def revenue(metric_id):
    return requests.request("POST", "https://a.klaviyo.com/api/metric-aggregates", json=query(metric_id))


def track_old(event):
    return requests.get("https://a.klaviyo.com/api/track", params=event)
