fetch(`https://a.klaviyo.com/client/events/?company_id=${window.companyId}`, {
  method: 'POST',
  body: JSON.stringify(event),
});
